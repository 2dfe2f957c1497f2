"""Access: what happened to requests, and what waiting costs. Reads event logs and outcomes; knows no payer, drug or disease."""
