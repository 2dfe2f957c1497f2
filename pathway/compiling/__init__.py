"""How documents become a program, one idea a module; the face is :mod:`pathway.compiler`."""
