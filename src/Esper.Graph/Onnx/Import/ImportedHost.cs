using System.Collections.Immutable;

namespace Esper.Graph.Onnx;

/// <summary>A host that came out of an ONNX model.</summary>
public sealed record ImportedHost
{
    /// <summary>The network, without loss: its outputs are the file's.</summary>
    public required HostGraph Graph { get; init; }

    /// <summary>Number of the file's nodes by operator, functions taken apart.</summary>
    public required ImmutableSortedDictionary<string, int> Operators { get; init; }

    /// <summary>Version of ONNX's operators that the file means.</summary>
    public required long Opset { get; init; }

    /// <summary>Real tensors of the file that will not be trained, with the reason.</summary>
    public required ImmutableArray<UntrainedTensor> Untrained { get; init; }

    /// <summary>The program that wrote the file, with its version.</summary>
    public required string Producer { get; init; }

    /// <summary>Texts that the file carries.</summary>
    public required ImmutableSortedDictionary<string, string> Metadata { get; init; }
}

/// <summary>A real tensor of a file that will not be trained.</summary>
/// <param name="Name">Name.</param>
/// <param name="Elements">Number of elements.</param>
/// <param name="Reason">Why not.</param>
public sealed record UntrainedTensor(string Name, long Elements, string Reason);
