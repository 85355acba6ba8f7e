"""Encounters: a mentor and a member meet, write down what matters, and agree on what comes next."""
