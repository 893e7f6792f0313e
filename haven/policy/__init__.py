"""Who may: roles, projects, purposes, consent (GA4GH DUO), risk tiers, obligations, and the permit to ask.

Pure but for `loader`, which reads policy files.
"""
