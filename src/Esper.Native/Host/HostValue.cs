namespace Esper.Native;

/// <summary>A value of a host graph; its number is its position in <see cref="HostGraphDescription.Values"/>.</summary>
/// <param name="Name">Unique, not empty.</param>
/// <param name="Role">What the value is.</param>
/// <param name="DType">Element type.</param>
/// <param name="Dims">
/// Extents, -1 = dynamic; null = unknown rank (intermediates only). Parameters, buffers and constants are fully known.
/// </param>
/// <param name="Data">
/// Initial content of a parameter, buffer or constant (copied by the session), of the same element type and extents;
/// null for other roles.
/// </param>
public sealed record HostValue(
    string Name, HostRole Role, HostDType DType, IReadOnlyList<long>? Dims, HostTensor? Data = null);
