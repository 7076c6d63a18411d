"""Views in, files and words out."""
