namespace Esper.Native;

/// <summary>Queues a copy of <paramref name="source"/> to device memory.</summary>
/// <param name="target">Where the first byte goes: the mirror's address, or one inside the mirror.</param>
/// <param name="source">The bytes; their memory stays valid and unchanged until the store mirrors again.</param>
/// <returns>0, or a code of the caller's that ends up in the error text; the changes then stay pending.</returns>
public delegate int MirrorCopy(DevicePointer target, ReadOnlySpan<byte> source);
