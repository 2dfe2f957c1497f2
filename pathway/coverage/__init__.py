"""Determinations: who may start and stay on a drug, decided on a patient's record with reasons.

The face of the package: :func:`pathway.coverage.determination.determine`. It knows no drug and no payer; rules come as data.
"""
