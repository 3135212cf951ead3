"""Scenes of construction machines, drawn in layers and treated as a camera would."""
