// What the Worker is given: its conversations, its tokens, and what its owner set.
export {};
