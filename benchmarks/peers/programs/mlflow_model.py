"""Leave a LightGBM model as MLflow serves it, with a signature that its server enforces or without.

    python mlflow_model.py MODEL.txt ROWS.json FOLDER checked|unchecked

ROWS.json is one request of the server: {"dataframe_split": {"columns": [...], "data": [...]}}.
"""

import json
import sys
from pathlib import Path

import lightgbm
import mlflow.lightgbm
import pandas as pd
from mlflow.models import infer_signature


def main() -> None:
    model, rows, folder, checks = sys.argv[1:]
    booster = lightgbm.Booster(model_file=model)
    split = json.loads(Path(rows).read_text(encoding="utf-8"))["dataframe_split"]
    table = pd.DataFrame(split["data"], columns=split["columns"], dtype=float)
    signature = infer_signature(table, booster.predict(table)) if checks == "checked" else None
    mlflow.lightgbm.save_model(booster, folder, signature=signature)


if __name__ == "__main__":
    main()
