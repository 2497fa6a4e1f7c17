"""A process that asks for the kernel, and prints whether there is one and what it sums.

python -m model_refresh_tests.scorer.asked
"""

import json
import logging
import sys

from model_refresh.scorer.kernel.compiled import compiled
from model_refresh_tests.scorer.forests import make_trees, rows_for


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    trees = make_trees(1)
    rows = rows_for(trees).tolist()
    kernel = compiled(trees)
    right = kernel is not None and [*map(kernel.total_row, rows)] == [*map(trees.total, rows)]
    sys.stdout.write(json.dumps({"is_there": kernel is not None, "is_right": right}))


if __name__ == "__main__":
    main()
