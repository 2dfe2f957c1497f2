"""How patients at entry are made, one idea a module; the face is :mod:`pathway.cohort`."""
