const Icon = ({ d }: { d: string }) => (
  <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" strokeWidth="1.7" aria-hidden="true">
    <path d={d} strokeLinecap="round" strokeLinejoin="round" />
  </svg>
);

export const PauseIcon = () => <Icon d="M9 6v12M15 6v12" />;
export const PlayIcon = () => <Icon d="M8 5.500v13l10-6.500z" />;
export const SoundIcon = () => <Icon d="M4 10v4h3l5 4V6l-5 4zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11" />;
export const MutedIcon = () => <Icon d="M4 10v4h3l5 4V6l-5 4zM16 9.500l5 5M21 9.500l-5 5" />;
export const CloseIcon = () => <Icon d="M6 6l12 12M18 6L6 18" />;

export const BillingIcon = () => <Icon d="M6 3h12v18l-3-2-3 2-3-2-3 2zM9.500 8h5M9.500 12h5" />;
export const PreviewIcon = () => <Icon d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM10 8.500v7l6-3.500z" />;
export const CreateIcon = () => <Icon d="M4 8a4 4 0 0 1 4-4h8a4 4 0 0 1 4 4v8a4 4 0 0 1-4 4H8a4 4 0 0 1-4-4zM12 8v8M8 12h8" />;
export const ExamplesIcon = () => <Icon d="M5 4h9l5 5v11H5zM14 4v5h5M8.500 13h7M8.500 16.500h5" />;
