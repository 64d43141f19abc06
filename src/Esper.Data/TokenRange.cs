namespace Esper.Data;

/// <summary>A contiguous run of tokens.</summary>
/// <param name="Start">First token.</param>
/// <param name="Length">Number of tokens.</param>
public readonly record struct TokenRange(int Start, int Length);
