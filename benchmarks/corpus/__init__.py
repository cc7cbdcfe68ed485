"""A seeded corpus of synthetic submissions with exact ground truth, for `scripts/bench accuracy`.

Two splits: rules may be looked at and tuned on `dev`; `test` also draws on wordings, layouts and fonts that `dev` never
uses, so it shows what happens with letters of another hand.
"""
