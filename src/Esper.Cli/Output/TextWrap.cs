namespace Esper.Cli.Output;

/// <summary>Breaks text between words.</summary>
internal static class TextWrap
{
    /// <summary>A blank at which no line is broken; it becomes a plain one.</summary>
    public const char Unbroken = '\u00a0';

    /// <summary>
    /// Lines of at most <paramref name="width"/> characters; a longer word gets a line of its own. At least one line, which is
    /// empty for an empty text.
    /// </summary>
    public static IReadOnlyList<string> Lines(string text, int width)
    {
        List<string> lines = [];
        string line = string.Empty;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                lines.Add(line);
                line = word;
            }
            else
            {
                line = line.Length == 0 ? word : $"{line} {word}";
            }
        }

        lines.Add(line);
        return lines.ConvertAll(wrapped => wrapped.Replace(Unbroken, ' '));
    }
}
