using System.Collections.Immutable;
using Esper.Contracts;

namespace Esper.Graph.Onnx;

/// <summary>An ONNX model cannot become a host.</summary>
public sealed class OnnxImportException : EsperException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="problems">What is at fault, at least one.</param>
    public OnnxImportException(ImmutableArray<ImportProblem> problems)
        : base(Describe(problems)) => Problems = problems;

    /// <summary>What is at fault.</summary>
    public ImmutableArray<ImportProblem> Problems { get; }

    private static string Describe(ImmutableArray<ImportProblem> problems) => problems.Length switch
    {
        1 => problems[0].ToString(),
        _ => $"{problems[0]} (and {problems.Length - 1} more {(problems.Length == 2 ? "problem" : "problems")})",
    };
}
