"""The evidence library: every figure with unit, source, grade and spread, as data."""
