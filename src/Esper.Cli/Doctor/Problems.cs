using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Cli.Doctor;

/// <summary>Gathers what is wrong; a question that fails becomes a problem instead of ending the examination.</summary>
internal sealed class Problems
{
    private const string FixMark = "Fix: ";
    private readonly List<(Severity Severity, string What, string Fix)> _found = [];

    /// <summary>Whether anything keeps training from working.</summary>
    public bool HasErrors => _found.Exists(problem => problem.Severity == Severity.Error);

    /// <summary>Adds a problem; the same one is told once.</summary>
    public void Add(Severity severity, string what, string fix)
    {
        if (!_found.Contains((severity, what, fix)))
        {
            _found.Add((severity, what, fix));
        }
    }

    /// <summary>Asks a question; a failure is an error of the machine.</summary>
    /// <param name="question">The question.</param>
    /// <param name="fix">What puts a failure right whose message does not say so itself.</param>
    /// <returns>The answer; null after a failure.</returns>
    public T? Ask<T>(Func<T> question, string fix)
        where T : class
    {
        try
        {
            return question();
        }
        catch (EsperException e)
        {
            AddMessage(e.Message, fix);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException or IOException)
        {
            AddMessage($"{e.GetType().Name}: {e.Message}", fix);
        }

        return null;
    }

    /// <summary>Everything found, errors first.</summary>
    public ImmutableArray<Problem> ToArray() =>
    [
        .. _found.OrderByDescending(problem => problem.Severity)
            .Select(problem => new Problem(problem.What, problem.Fix, problem.Severity == Severity.Error ? "error" : "warning")),
    ];

    private void AddMessage(string message, string fix)
    {
        int mark = message.IndexOf(FixMark, StringComparison.Ordinal);
        string what = mark < 0 ? message : message[..mark];
        Add(Severity.Error, what.Trim(), mark < 0 ? fix : message[(mark + FixMark.Length)..].Trim());
    }
}
