"""The modules that import Scrapy: spider, settings, download handler, and how they are run."""
