"""Builds the third-party parts and the services' images from the pins in supply/.

`catalog` reads what there is, `keys` says what each part's content is called, `plan` which parts
are needed and in what order, `kinds` how one part is made, `run` makes them side by side.
"""
