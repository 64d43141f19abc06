using System.Runtime.InteropServices;
using Esper.Contracts;
using Esper.Contracts.Lifecycle;
using Esper.Native;

namespace Esper.Kasmina.Execution;

/// <summary>
/// Checks on real data that a module in Training does not touch the host: the host's gradients with the module learning are compared
/// with those without it.
/// </summary>
public static class IsolationCheck
{
    private const string Gradient = "grad/";
    private const string ArenaGradient = "grad/arena/";

    /// <summary>
    /// Cosine between the host's gradients with the seed in Training and in Germinated, over all host parameters; 1 when they are
    /// equal bit for bit. Parameters, buffers and random numbers of the session are left as they were.
    /// </summary>
    /// <param name="session">The session.</param>
    /// <param name="seed">A germinated seed.</param>
    /// <param name="description">Its description.</param>
    /// <param name="inputs">A training batch.</param>
    public static double Cosine(HostSession session, SeedId seed, LatticeSeed description, HostTensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(description);

        // A forward in training mode moves BatchNorm statistics and draws dropout masks; both must come out as they went in.
        using HostSnapshot start = session.TakeSnapshot();
        try
        {
            byte[][] without = Gradients(session, inputs);
            session.Restore(start);
            session.Update(seed, description with { Stage = SeedStage.Training });
            return Cosine(without, Gradients(session, inputs));
        }
        finally
        {
            session.Restore(start);
        }
    }

    private static byte[][] Gradients(HostSession session, HostTensor[] inputs)
    {
        session.Gradients(inputs);
        return
        [
            .. session.State()
                .Where(tensor => tensor.Name.StartsWith(Gradient, StringComparison.Ordinal)
                    && !tensor.Name.StartsWith(ArenaGradient, StringComparison.Ordinal))
                .Select(tensor => Read(session, tensor)),
        ];
    }

    private static byte[] Read(HostSession session, StateTensor tensor)
    {
        byte[] data = new byte[tensor.Bytes];
        session.ReadState(tensor.Name, data);
        return data;
    }

    private static double Cosine(byte[][] left, byte[][] right)
    {
        if (left.Zip(right).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second)))
        {
            return 1;
        }

        (double dot, double squareLeft, double squareRight) = (0, 0, 0);
        for (int i = 0; i < left.Length; i++)
        {
            ReadOnlySpan<float> a = MemoryMarshal.Cast<byte, float>(left[i]);
            ReadOnlySpan<float> b = MemoryMarshal.Cast<byte, float>(right[i]);
            for (int k = 0; k < a.Length; k++)
            {
                dot += (double)a[k] * b[k];
                squareLeft += (double)a[k] * a[k];
                squareRight += (double)b[k] * b[k];
            }
        }

        return dot / Math.Sqrt(squareLeft * squareRight);
    }
}
