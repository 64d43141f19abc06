using System.Text;
using System.Xml;

namespace Esper.Nissa.Report;

/// <summary>
/// Builds HTML and SVG. Text and attribute values are always escaped, elements always closed, so that nothing in a
/// run's record can become markup.
/// </summary>
internal sealed class Markup
{
    private readonly StringBuilder _text = new();
    private readonly Stack<string> _open = new();

    /// <summary>Opens an element.</summary>
    public Markup Open(string tag, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        AppendTag(tag, attributes);
        _text.Append('>');
        _open.Push(tag);
        return this;
    }

    /// <summary>Closes the element opened last.</summary>
    public Markup Close()
    {
        _text.Append("</").Append(_open.Pop()).Append('>');
        return this;
    }

    /// <summary>Adds an element without content; SVG shapes and void HTML elements.</summary>
    public Markup Empty(string tag, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        AppendTag(tag, attributes);
        _text.Append("/>");
        return this;
    }

    /// <summary>Adds an element that holds text.</summary>
    public Markup Element(string tag, string content, params ReadOnlySpan<(string Name, string Value)> attributes) =>
        Open(tag, attributes).Text(content).Close();

    /// <summary>Adds text.</summary>
    public Markup Text(string content)
    {
        AppendEscaped(content);
        return this;
    }

    /// <summary>Adds text that is markup already: constants of this program, never data.</summary>
    public Markup Constant(string markup)
    {
        _text.Append(markup);
        return this;
    }

    /// <summary>The document so far; every element must be closed.</summary>
    public override string ToString() =>
        _open.Count == 0 ? _text.ToString() : throw new InvalidOperationException($"<{_open.Peek()}> is not closed.");

    private void AppendTag(string tag, ReadOnlySpan<(string Name, string Value)> attributes)
    {
        _text.Append('<').Append(tag);
        foreach ((string name, string value) in attributes)
        {
            _text.Append(' ').Append(name).Append("=\"");
            AppendEscaped(value);
            _text.Append('"');
        }
    }

    private void AppendEscaped(string content)
    {
        for (int i = 0; i < content.Length; i++)
        {
            char c = content[i];
            bool pair = i + 1 < content.Length && XmlConvert.IsXmlSurrogatePair(content[i + 1], c);
            _ = c switch
            {
                '<' => _text.Append("&lt;"),
                '>' => _text.Append("&gt;"),
                '&' => _text.Append("&amp;"),
                '"' => _text.Append("&quot;"),
                '\'' => _text.Append("&#39;"),
                _ when pair => _text.Append(c).Append(content[++i]),
                _ when XmlConvert.IsXmlChar(c) => _text.Append(c),
                _ => _text.Append('\uFFFD'),
            };
        }
    }
}
