from model_refresh_tests.contracts.algorithms import AlgorithmContract


class TestEveryAlgorithm(AlgorithmContract):
    """Each algorithm of the union, for each task."""
