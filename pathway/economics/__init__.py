"""Costs and QALYs of told histories: event log in, ledger out."""
