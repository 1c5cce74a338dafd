"""From webhook to receipt: inbox (accept once), worker (one turn at a time), outbox (send in order)."""
