"""What happens, in order: one file per thing that happens. Each public function that takes a Tx is
one transaction."""
