using System.Text.RegularExpressions;

namespace Esper.Bindings;

/// <summary>The header's own text: its comments, which clang's tree leaves out, and its macros.</summary>
internal sealed partial class HeaderText
{
    private readonly string text;

    /// <summary>Wraps the text; the offsets of clang's tree are bytes, so the text must be ASCII.</summary>
    /// <exception cref="BindingException">The header has characters outside ASCII.</exception>
    public HeaderText(string path, string text)
    {
        int offending = text.AsSpan().IndexOfAnyExceptInRange('\0', '\x7f');
        if (offending >= 0)
        {
            int line = text.AsSpan(0, offending).Count('\n') + 1;
            throw new BindingException($"{path}:{line}: '{text[offending]}' is not ASCII; write the comment without it.");
        }

        this.text = text;
    }

    /// <summary>The comment that opens the file, "" if there is none.</summary>
    public string FileComment() => text.StartsWith("/*", StringComparison.Ordinal) ? Clean(CommentAt(0)) : "";

    /// <summary>The comment whose last line stands directly above the line of <paramref name="offset"/>.</summary>
    public string CommentAbove(int offset)
    {
        int lineStart = text.LastIndexOf('\n', Math.Max(0, offset - 1)) + 1;
        if (lineStart < 3 || text[lineStart - 3] != '*' || text[lineStart - 2] != '/')
        {
            return "";
        }

        int begin = text.LastIndexOf("/*", lineStart - 3, StringComparison.Ordinal);
        bool ownLine = begin == 0 || (begin > 0 && text[begin - 1] == '\n');
        return ownLine ? Clean(text[begin..lineStart]) : "";
    }

    /// <summary>The comment that starts behind <paramref name="offset"/> on the same line.</summary>
    public string CommentBehind(int offset)
    {
        int lineEnd = text.IndexOf('\n', offset);
        int begin = text.IndexOf("/*", offset, lineEnd - offset, StringComparison.Ordinal);
        return begin < 0 ? "" : Clean(CommentAt(begin));
    }

    /// <summary>The macros that stand for a decimal integer, with their comments.</summary>
    public IReadOnlyList<ConstantModel> IntegerMacros() =>
    [
        .. IntegerMacro().Matches(text).Select(match => new ConstantModel(
            match.Groups["name"].Value, long.Parse(match.Groups["value"].ValueSpan), CommentAbove(match.Index))),
    ];

    private string CommentAt(int begin) => text[begin..(text.IndexOf("*/", begin, StringComparison.Ordinal) + 2)];

    private static string Clean(string comment)
    {
        string body = comment.Trim()[2..^2];
        IEnumerable<string> lines = body.Split('\n').Select(line => LineStart().Replace(line, "").TrimEnd());
        return string.Join('\n', lines).Trim();
    }

    [GeneratedRegex(@"^[ \t]*\*?[ \t]?")]
    private static partial Regex LineStart();

    [GeneratedRegex(@"^#define (?<name>ESPER_\w+) (?<value>-?\d+)$", RegexOptions.Multiline)]
    private static partial Regex IntegerMacro();
}
