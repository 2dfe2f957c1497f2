"""Reports: tables, figures, one page, one workbook and a manifest for every run. Only :mod:`pathway.report.writer` touches the disk."""
