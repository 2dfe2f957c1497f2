"""The grammar of the documents, and the checked scenario that everything below reads."""
