using System.Collections.Immutable;

namespace Esper.Native;

/// <summary>Name and size of a tensor that a checkpoint must hold.</summary>
/// <param name="Name">Name, such as <c>param/conv1.weight</c> or <c>arena/0</c>.</param>
/// <param name="DType">Element type: float32, or int64 for counters.</param>
/// <param name="Dims">Extents.</param>
public sealed record StateTensor(string Name, HostDType DType, ImmutableArray<long> Dims)
{
    /// <summary>Number of elements.</summary>
    public long ElementCount => HostDTypes.Elements(Dims.AsSpan());

    /// <summary>Number of bytes.</summary>
    public long Bytes => ElementCount * DType.Size();
}
