"""The main job with the bare tools: what orchestration is measured against."""
