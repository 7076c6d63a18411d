"""Signals inside media files: PLUS LDF 2.0.1 in XMP, and CAWG 1.1 assertions in C2PA manifests."""
