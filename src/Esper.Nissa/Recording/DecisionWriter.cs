using System.Text;
using System.Text.Json;
using Esper.Contracts;
using Esper.Contracts.Control;

namespace Esper.Nissa;

/// <summary>Appends decisions to <c>decisions.jsonl</c>, each chained to the one before.</summary>
internal sealed class DecisionWriter : IDisposable
{
    private readonly JsonLinesWriter _lines;
    private string _last;

    /// <summary>Opens or creates the file and goes on behind its last line.</summary>
    /// <exception cref="EsperException">The file cannot be opened, or holds something else.</exception>
    public DecisionWriter(string path)
    {
        _lines = new JsonLinesWriter(path);
        try
        {
            _last = LastDigest(path);
        }
        catch
        {
            _lines.Dispose();
            throw;
        }
    }

    /// <summary>Appends a decision.</summary>
    /// <exception cref="EsperException">A number is NaN or infinite; the message names the field.</exception>
    public void Write(DecisionReport report)
    {
        LoggedDecision decision = new(report.Policy, report.State, LoggedDecision.Describe(report.Commands), report.Answers);
        byte[] json = NonFinite.Serialize(decision, EsperJson.Compact, Path.GetFileName(_lines.Path));
        _last = DecisionRecord.DigestOf(_last, Encoding.UTF8.GetString(json));
        _lines.Write(new DecisionLine(_last, JsonElement.Parse(json)));
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _lines.Dispose();

    private static string LastDigest(string path)
    {
        using JsonLinesReader reader = new(path);
        string last = string.Empty;
        while (reader.TryRead(out JsonElement? line))
        {
            last = reader.Convert<DecisionLine>(line.Value).Digest;
        }

        return last;
    }
}
