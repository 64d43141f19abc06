namespace Esper.Benchmarks;

/// <summary>The command line asks for something that there is not.</summary>
/// <param name="message">What is wrong.</param>
/// <param name="usage">What there is.</param>
internal sealed class UsageException(string message, string usage) : Exception(message)
{
    /// <summary>What there is.</summary>
    public string Usage { get; } = usage;
}
