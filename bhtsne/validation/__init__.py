"""What users pass → what the stages take, or one clear error: each rule stands here once."""
