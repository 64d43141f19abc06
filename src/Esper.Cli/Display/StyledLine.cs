using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Esper.Cli.Display;

/// <summary>
/// A line of text in styles. Control characters of data are replaced, so that no name can move the cursor.
/// </summary>
internal sealed class StyledLine
{
    private readonly List<Segment> _segments = [];

    /// <summary>Width in terminal cells.</summary>
    public int Width => Segment.CellCount(_segments);

    /// <summary>The text without styles.</summary>
    public string Text => string.Concat(_segments.Select(s => s.Text));

    /// <summary>The parts of the line.</summary>
    public IReadOnlyList<Segment> Segments => _segments;

    /// <summary>Appends text.</summary>
    public StyledLine Add(string text, Style? style = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > 0)
        {
            _segments.Add(new Segment(Clean(text), style ?? Style.Plain));
        }

        return this;
    }

    /// <summary>Appends another line.</summary>
    public StyledLine Add(StyledLine other)
    {
        ArgumentNullException.ThrowIfNull(other);
        _segments.AddRange(other._segments);
        return this;
    }

    /// <summary>The line, cut to a number of cells; <paramref name="ellipsis"/> shows that it was cut.</summary>
    public StyledLine Crop(int width, string ellipsis)
    {
        ArgumentNullException.ThrowIfNull(ellipsis);
        if (Width <= width)
        {
            return this;
        }

        StyledLine cut = new();
        int room = Math.Max(0, width - ellipsis.Length);
        foreach (Segment segment in _segments)
        {
            int cells = segment.CellCount();
            if (cells > room)
            {
                (Segment first, _) = segment.Split(room);
                cut._segments.Add(first);
                break;
            }

            cut._segments.Add(segment);
            room -= cells;
        }

        return cut.Add(ellipsis, Styles.Dim);
    }

    private static string Clean(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\0', '\u001f') && !text.AsSpan().ContainsAnyInRange('\u007f', '\u009f'))
        {
            return text;
        }

        StringBuilder clean = new(text.Length);
        foreach (char c in text)
        {
            clean.Append(char.IsControl(c) ? ' ' : c);
        }

        return clean.ToString();
    }
}
