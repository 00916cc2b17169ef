import { render } from 'preact';
import { App } from './app.js';
import { connect } from './engine.js';
import './style.css';
import './parts.css';

render(<App />, document.getElementById('app')!);
connect();
