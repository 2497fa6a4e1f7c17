"""The report: one page a verdict, for the person who has to answer for it.

One HTML file without script and without any request, stored beside what it tells of. `facts` reads
what is stored, the modules of sections say it, `page` renders it, `writing` stores it.
"""

from model_refresh.report.writing import read_report, write_report

__all__ = ["read_report", "write_report"]
