using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Esper.Contracts;
using Esper.Native;

namespace Esper.Tolaria.Checkpoints;

/// <summary>Moves a session's state between native memory and plain tensors.</summary>
public static class SessionTensors
{
    private static readonly string[] ModelPrefixes = ["param/", "buffer/", "arena/"];

    /// <summary>Copies every state tensor except gradients.</summary>
    public static ImmutableArray<SavedTensor> Read(HostSession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        return
        [
            .. session.State()
                .Where(tensor => !tensor.Name.StartsWith("grad/", StringComparison.Ordinal))
                .Select(tensor => Copy(session, tensor)),
        ];
    }

    /// <summary>Writes tensors back. Seeds must already be germinated as they were.</summary>
    /// <exception cref="EsperException">A parameter, buffer or arena of the session is missing.</exception>
    public static void Write(HostSession session, ImmutableArray<SavedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(session);
        HashSet<string> given = [.. tensors.Select(tensor => tensor.Name)];
        foreach (StateTensor needed in session.State())
        {
            if (ModelPrefixes.Any(prefix => needed.Name.StartsWith(prefix, StringComparison.Ordinal)) && !given.Contains(needed.Name))
            {
                throw new EsperException($"The checkpoint lacks tensor '{needed.Name}'; it belongs to another host.");
            }
        }

        foreach (SavedTensor tensor in tensors)
        {
            session.WriteState(tensor.Name, tensor.Data);
        }
    }

    /// <summary>SHA-256 over names and bytes of all parameters, buffers and arenas, hexadecimal.</summary>
    public static string Digest(HostSession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (StateTensor tensor in session.State().OrderBy(tensor => tensor.Name, StringComparer.Ordinal))
        {
            if (ModelPrefixes.Any(prefix => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(tensor.Name));
                hash.AppendData(Copy(session, tensor).Data);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static SavedTensor Copy(HostSession session, StateTensor tensor)
    {
        byte[] data = new byte[tensor.Bytes];
        session.ReadState(tensor.Name, data);
        string type = tensor.DType == HostDType.Int64 ? "I64" : "F32";
        return new SavedTensor(tensor.Name, type, [.. tensor.Dims], data);
    }
}
