namespace Esper.Cli.Output;

/// <summary>Writes errors the way every command shows them: <c>error: ...</c>, then <c>hint: ...</c>.</summary>
internal static class ErrorWriter
{
    private const string Fix = "Fix: ";

    /// <summary>
    /// Writes an error and, where there is one, its hint. Further lines of a message, such as the paths that a library was looked
    /// for under, are indented; one that starts with <c>Fix:</c> is the hint.
    /// </summary>
    public static void Write(TextWriter error, string message, string? hint = null)
    {
        string[] lines = message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        error.WriteLine($"error: {lines.FirstOrDefault() ?? "failed without a message"}");
        foreach (string line in lines.Skip(1))
        {
            if (line.StartsWith(Fix, StringComparison.Ordinal))
            {
                hint ??= line[Fix.Length..];
            }
            else
            {
                error.WriteLine($"  {line}");
            }
        }

        if (hint is not null)
        {
            error.WriteLine($"hint: {hint.Replace(TextWrap.Unbroken, ' ')}");
        }
    }

    /// <summary>Writes a failure that nobody foresaw: its type, and its stack where asked for.</summary>
    public static void WriteUnexpected(TextWriter error, Exception exception, bool verbose)
    {
        string? hint = verbose ? null : "this is a defect of esper; run again with --verbose to see where it happened";
        Write(error, $"{exception.GetType().Name}: {exception.Message}", hint);
        if (verbose)
        {
            error.WriteLine(exception.ToString());
        }
    }
}
