using Esper.Native;

namespace Esper.Tolaria.Training;

/// <summary>Hurts a run on purpose, for tests of what the governor makes of it.</summary>
internal interface IFaultInjector
{
    /// <summary>Called before each training step; may change the session.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="session">The session.</param>
    /// <param name="inputs">Inputs of the step.</param>
    /// <returns>The inputs to use.</returns>
    HostTensor[] BeforeStep(long step, HostSession session, HostTensor[] inputs);

    /// <summary>Called before the validation at the end of an epoch; may change the session.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="session">The session.</param>
    void BeforeValidation(long step, HostSession session);
}
