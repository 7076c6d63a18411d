"""Read datasets of URLs: find their files, open them as relations, take stock of their origins."""
