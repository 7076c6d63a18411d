"""IETF AIPREF usage preferences: draft-ietf-aipref-vocab-08 and draft-ietf-aipref-attach-05."""
