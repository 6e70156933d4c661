package memlimit

// Choose is what the hook would set, in bytes, and what it would say of it; root is "" but in
// tests. The generated file does not hold it.
func Choose(root string) (limit int64, why string) { return plimsollMemlimitChoose(root) }
