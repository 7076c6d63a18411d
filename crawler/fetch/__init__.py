"""Fetch what the planner asks for, with Scrapy, and store what came back, uninterpreted.

1. `scrapy_.run.crawl` starts one Scrapy process with one spider, `reservations`.
2. `scheduler.OriginScheduler` takes origin jobs from a `Frontier`, a bounded number at a time.
3. `scrapy_.spider` asks `plan.planner` for the next request of an origin, sends it through
   Scrapy's downloader, records the observation, and asks the planner again.
4. `scrapy_.download_handler` hands each request to `http.client`: `http.connect_to` and
   `http.address_guard` decide where to connect, `http.body` how much is read.
5. Network errors become outcomes in `http.outcomes`, and nowhere else.
"""
