"""Virtual trials: run them through the engine, analyse them as the paper did, compare with what it printed."""
