"""The verbs: what each command does, from evidence in to words out."""
