using System.Runtime.InteropServices;
using Esper.Native;

namespace Esper.Tolaria.Training;

/// <summary>One fault of a kind, the first time that a run comes by its step, or every time: for tests and drills of the governor.</summary>
internal sealed class Fault : IFaultInjector
{
    private const string HostParameters = "param/";
    private const string Modules = "arena/";

    /// <summary>Steps done before the one that is hurt.</summary>
    public long At { get; init; }

    /// <summary>Whether it returns at every step from there on.</summary>
    public bool Always { get; init; }

    /// <summary>Whether it waits from there on until there is a module that it could hurt.</summary>
    public bool WaitsForModules { get; init; }

    /// <summary>Changes the inputs of the step.</summary>
    public Func<HostTensor[], HostTensor[]>? Inputs { get; init; }

    /// <summary>Changes the session before the step.</summary>
    public Action<HostSession>? Session { get; init; }

    /// <summary>Changes the session before the validation that follows the step, instead of before the step.</summary>
    public Action<HostSession>? Validation { get; init; }

    /// <summary>Whether it has happened.</summary>
    public bool Done { get; private set; }

    /// <summary>A batch with a value that is not a number.</summary>
    public static Fault NaNInput(long at) => new() { At = at, Inputs = WithNaN };

    /// <summary>All parameters of the host times a factor: the loss explodes.</summary>
    public static Fault Explosion(long at, float factor) => new() { At = at, Session = session => Scale(session, factor) };

    /// <summary>All parameters of all modules overwritten.</summary>
    public static Fault PoisonedModules(long at, float value) =>
        new() { At = at, WaitsForModules = true, Session = session => Write(session, Modules, _ => value) };

    /// <summary>Multiplies all parameters of the host.</summary>
    public static void Scale(HostSession session, float factor) => Write(session, HostParameters, value => value * factor);

    /// <summary>Inputs of the same shape, zeros with a NaN at the end.</summary>
    public static HostTensor[] WithNaN(HostTensor[] inputs)
    {
        float[] nothing = new float[inputs[0].ElementCount];
        nothing[^1] = float.NaN;
        return [HostTensor.Float(nothing, [.. inputs[0].Dims]), .. inputs[1..]];
    }

    /// <inheritdoc/>
    public HostTensor[] BeforeStep(long step, HostSession session, HostTensor[] inputs)
    {
        bool due = Always || WaitsForModules ? step >= At : step == At;
        if (!due || (Done && !Always) || Validation is not null || (WaitsForModules && !HasModules(session)))
        {
            return inputs;
        }

        Done = true;
        Session?.Invoke(session);
        return Inputs?.Invoke(inputs) ?? inputs;
    }

    /// <inheritdoc/>
    public void BeforeValidation(long step, HostSession session)
    {
        if (step == At && !Done && Validation is not null)
        {
            Done = true;
            Validation(session);
        }
    }

    private static bool HasModules(HostSession session) => Tensors(session, Modules).Any(tensor => tensor.Bytes > 0);

    private static IEnumerable<StateTensor> Tensors(HostSession session, string prefix) =>
        session.State().Where(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal));

    private static void Write(HostSession session, string prefix, Func<float, float> change)
    {
        foreach (StateTensor tensor in Tensors(session, prefix))
        {
            byte[] data = new byte[tensor.Bytes];
            session.ReadState(tensor.Name, data);
            foreach (ref float value in MemoryMarshal.Cast<byte, float>(data.AsSpan()))
            {
                value = change(value);
            }

            session.WriteState(tensor.Name, data);
        }
    }
}
