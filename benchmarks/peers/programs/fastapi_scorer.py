"""A scorer by FastAPI, with the same formula and as strict a row, to see what the framework takes.

    PYTHONPATH=FOLDER python fastapi_scorer.py FOLDER PORT

FOLDER is a generated scorer, whose formula and kernel it uses.
"""

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, create_model
from scorer.formula import Formula

TYPES = {"boolean": bool, "integer": int, "number": float, "text": str}


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    app = make(Formula.decode((folder / "formula.json").read_bytes()))
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False)


def make(formula: Formula) -> FastAPI:
    """The app: FastAPI's faster way, an async endpoint whose answer is no model."""
    app, scoring = FastAPI(), formula.ready()
    fields: dict[str, Any] = {each.name: (TYPES[each.type] | None, ...) for each in formula.inputs}
    strict = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    row_model: type[BaseModel] = create_model("Row", __config__=strict, **fields)

    async def score(row: BaseModel) -> dict[str, Any]:
        values = row.__dict__
        (chance,) = scoring.score(values)
        warnings = scoring.unknown(values)
        answer = {"score": chance, "model": formula.model, "version": formula.version}
        return answer | {"digest": formula.artifact} | ({"warnings": warnings} if warnings else {})

    score.__annotations__["row"] = row_model
    app.add_api_route("/score", score, methods=["POST"], response_model=None)
    return app


if __name__ == "__main__":
    main()
