using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>What every branch of a fork goes through alike.</summary>
public sealed record ForkCourse
{
    /// <summary>Training steps of a branch.</summary>
    public required int Steps { get; init; }

    /// <summary>Learning rate of each of them, counted from 0.</summary>
    public required Func<int, double> LearningRate { get; init; }

    /// <summary>Norm that gradients are clipped to; 0 = off.</summary>
    public double MaximumGradientNorm { get; init; }

    /// <summary>The training batches from the fork on, the same ones each time it is called; each is used before the next is asked for.</summary>
    public required Func<IEnumerable<HostTensor[]>> Training { get; init; }

    /// <summary>The batches that branches are compared on.</summary>
    public required Func<IEnumerable<HostTensor[]>> Validation { get; init; }
}
