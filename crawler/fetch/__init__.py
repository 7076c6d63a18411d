"""Fetch what the plan asks for, with Scrapy, and keep what came back; nothing is interpreted.

1. `run.crawl` starts one Scrapy process with one spider, `reservations`.
2. `pool.Pool` takes jobs from a workbook, a bounded number of origins at a time.
3. `spider` asks `plan` for each origin, awaits the engine, records, and asks again.
4. `handler` carries a request out: `connect_to` and `guard` decide where to, `body` how much.
5. What goes wrong out there becomes an outcome in `outcomes`, and nowhere else.
"""
