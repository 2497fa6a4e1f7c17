"""The generated folder of a scorer: its formula, golden rows, texts, single file and tests."""
