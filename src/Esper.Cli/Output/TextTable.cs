namespace Esper.Cli.Output;

/// <summary>A table of plain text: columns two blanks apart, numbers to the right, no frame.</summary>
internal sealed class TextTable
{
    private readonly (string Title, bool Right)[] _columns;
    private readonly List<string[]> _rows = [];

    /// <summary>Creates a table; a title that starts with <c>&gt;</c> makes a column of numbers, aligned to the right.</summary>
    public TextTable(params ReadOnlySpan<string> titles)
    {
        _columns = new (string, bool)[titles.Length];
        for (int i = 0; i < titles.Length; i++)
        {
            bool right = titles[i].StartsWith('>');
            _columns[i] = (right ? titles[i][1..] : titles[i], right);
        }
    }

    /// <summary>Adds a row, with one cell a column.</summary>
    public void Add(params string[] cells)
    {
        if (cells.Length != _columns.Length)
        {
            throw new ArgumentException($"A row of {cells.Length} cells in a table of {_columns.Length} columns.", nameof(cells));
        }

        _rows.Add(cells);
    }

    /// <summary>Writes the table; cells of the last column that pass the width continue below themselves.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="width">Characters in a line.</param>
    public void Write(TextWriter output, int width)
    {
        int[] widths = new int[_columns.Length];
        for (int i = 0; i < widths.Length; i++)
        {
            widths[i] = _rows.Select(row => row[i].Length).Append(_columns[i].Title.Length).Max();
        }

        int indent = widths.Take(widths.Length - 1).Sum(column => column + 2);
        WriteRow(output, [.. _columns.Select(column => column.Title)], widths, indent, width);
        foreach (string[] row in _rows)
        {
            WriteRow(output, row, widths, indent, width);
        }
    }

    private void WriteRow(TextWriter output, string[] cells, int[] widths, int indent, int width)
    {
        int last = cells.Length - 1;
        string head = string.Empty;
        for (int i = 0; i < last; i++)
        {
            head += (_columns[i].Right ? cells[i].PadLeft(widths[i]) : cells[i].PadRight(widths[i])) + "  ";
        }

        if (_columns[last].Right)
        {
            output.WriteLine(head + cells[last].PadLeft(widths[last]));
            return;
        }

        foreach (string line in TextWrap.Lines(cells[last], Math.Max(width - indent, 24)))
        {
            output.WriteLine((head + line).TrimEnd());
            head = new string(' ', indent);
        }
    }
}
